"""Many series scored point by point, in shards: what the command and the job have in common."""
