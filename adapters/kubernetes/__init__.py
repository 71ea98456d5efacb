"""Kubernetes: observe, place, shift, drain and release over the API server."""
