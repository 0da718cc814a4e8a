"""What the product ships: the release, the eval cases, the models.  Read-only; knows names of files, nothing else."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource(name: str) -> Path:
    """The bundled file or folder `name` (a path with slashes, as ``models/reader``).

    Raises FileNotFoundError where the package does not carry it.
    """
    found: Traversable = files("data").joinpath(*name.split("/"))
    path = Path(str(found))
    if not path.exists():
        raise FileNotFoundError(f"the package does not carry data/{name}: install release-assistant again")
    return path
