"""What runs first in the kernel of a chapter: no network, and warnings are errors.

Copied into the profile of the kernels by the extension beside this file. Only sockets that leave the machine are
refused, so that a kernel can still talk to itself.
"""


def _block_network() -> None:
    import ipaddress
    import socket

    real_connect, real_connect_ex = socket.socket.connect, socket.socket.connect_ex
    real_getaddrinfo = socket.getaddrinfo

    def refuse_unless_local(host: object) -> None:
        if isinstance(host, bytes):
            host = host.decode()
        if host in (None, "", "localhost"):
            return
        try:
            local = ipaddress.ip_address(str(host)).is_loopback
        except ValueError:
            local = False
        if not local:
            raise OSError(f"chapters execute with the network off, but this one asked for {host}")

    def connect(self, address):
        if isinstance(address, tuple):
            refuse_unless_local(address[0])
        return real_connect(self, address)

    def connect_ex(self, address):
        if isinstance(address, tuple):
            refuse_unless_local(address[0])
        return real_connect_ex(self, address)

    def getaddrinfo(host, *args, **kwargs):
        refuse_unless_local(host)
        return real_getaddrinfo(host, *args, **kwargs)

    socket.socket.connect = connect  # type: ignore[method-assign]
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = getaddrinfo


def _raise_warnings() -> None:
    import warnings

    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", module="ipykernel")  # what it says to itself is not the chapter's


_block_network()
_raise_warnings()
del _block_network, _raise_warnings
