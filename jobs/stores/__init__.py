"""Where versions of models are kept: :func:`jobs.stores.address.open_store` opens a directory or Elasticsearch."""
