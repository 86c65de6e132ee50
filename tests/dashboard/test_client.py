"""Whose request it is: one visitor has one name, two visitors have two."""

import pytest

from gradviz.dashboard.client import client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),  # as a socket on `::` sees IPv4
        ("::FFFF:c000:201", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:51234", "192.0.2.1"),  # as some proxies write it
        ("[::ffff:192.0.2.1]:51234", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:0:ffff::2", "2001:db8::/64"),
        ("[2001:db8::3]:443", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        ("unix:", "unix:"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_a_visitor_has_one_name_however_the_address_is_written(address: str, client: str) -> None:
    assert client_of({"REMOTE_ADDR": address}) == client


@pytest.mark.parametrize("environ", [{}, {"REMOTE_ADDR": None}])
def test_a_request_without_an_address_has_a_name_too(environ: dict[str, object]) -> None:
    assert client_of(environ) == ""
