"""The widget's files on the wire: small, and sent again only when they changed."""

from __future__ import annotations

import gzip

import pytest

from bot.web import WIDGET
from tests.consistency.test_widget_size import LIMIT_BYTES
from tests.web_site import Site

SCRIPT = "/widget/clinic-chat.js"


def test_the_script_travels_packed_and_within_its_budget(lasting_site: Site) -> None:
    with lasting_site.browser().stream("GET", SCRIPT) as response:
        sent = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert len(sent) <= LIMIT_BYTES
    assert gzip.decompress(sent) == (WIDGET / "clinic-chat.js").read_bytes()
    assert "Accept-Encoding" in response.headers["vary"]


def test_a_client_that_cannot_unpack_gets_it_plain(lasting_site: Site) -> None:
    response = lasting_site.browser().get(SCRIPT, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in response.headers
    assert response.content == (WIDGET / "clinic-chat.js").read_bytes()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("path", [SCRIPT, "/widget/demo.css", "/"])
def test_what_the_browser_has_is_not_sent_again(
    lasting_site: Site, path: str, encoding: str
) -> None:
    browser = lasting_site.browser(headers={"Accept-Encoding": encoding})
    tag = browser.get(path).headers["etag"]
    again = browser.get(path, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert browser.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200
