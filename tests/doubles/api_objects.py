"""Small objects to send to an API server."""

from tests.doubles.api_worlds import Object


def a_map(name: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"mine": "yes"}},
        "data": data,
    }


def a_template(**labels: str) -> Object:
    container = {"name": "c", "image": "x", "resources": {"limits": {"example.com/gpu": "1"}}}
    return {
        "metadata": {"labels": labels},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
    }


def a_deployment(name: str, replicas: int) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": a_template(app=name),
        },
    }


def a_job(name: str, *, suspend: bool) -> Object:
    template = a_template()
    template["spec"]["restartPolicy"] = "Never"
    spec = {"suspend": suspend, "completionMode": "Indexed", "completions": 2, "parallelism": 2}
    return {"metadata": {"name": name}, "spec": {**spec, "template": template}}
