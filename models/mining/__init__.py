"""Mining of message templates: distinct contents in, typed and named Grok templates out."""
