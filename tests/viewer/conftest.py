"""A client of the viewer of a small labelled scene."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import Response
from numpy.typing import NDArray
from PIL import Image
from starlette.testclient import TestClient

from latentclust.viewer.app import make_app
from latentclust.viewer.open_session import open_session
from latentclust.viewer.session import Session
from tests.viewer.labelled import label_folder


class Client:
    """A client that knows the token."""

    def __init__(self, session: Session) -> None:
        app = make_app(replace(session, token="token"))
        self.http = TestClient(app, "http://127.0.0.1:8000")

    def get(self, path: str, **options: Any) -> Response:
        return self.http.get(f"/token/{path}", **options)

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tile(self, path: str) -> NDArray[np.uint8]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return np.array(Image.open(BytesIO(answer.content)).convert("RGBA"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return label_folder(tmp_path)


@pytest.fixture
def client(folder: Path) -> Client:
    return Client(open_session([str(folder)]))
