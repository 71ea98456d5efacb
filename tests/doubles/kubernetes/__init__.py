"""A double of the Kubernetes API over HTTP, honest where a client can be hurt."""
