#!/usr/bin/env python3
"""Serves one Annex B file over RTSP, in a loop and in real time at 25 pictures a
second, or what an encoder makes, with GStreamer's RTSP server. Clients share the stream, as with a camera.

Listens on 127.0.0.1 unless told otherwise. The first line on standard output is "port N"; then come
"request METHOD path" for what clients ask and "closed" for each that leaves.
Ends when standard input does.
"""

import argparse
import itertools
import os
import re
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ROLE = "viewer"
RATE = 25
WIDTH, HEIGHT = 640, 360


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", help="- for an encoder's own pictures, with a keyframe every ten seconds or when asked")
    parser.add_argument("--codec", choices=["h264", "h265"], required=True)
    parser.add_argument("--audio", action="store_true")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--certificate", help="PEM file with certificate and key")
    parser.add_argument("--address", default="127.0.0.1", help="to listen on")
    parser.add_argument("--multicast", metavar="DEVICE", help="network device to send to a group over")
    parser.add_argument("--feedback", action="store_true", help="offer RTP/AVPF")
    return parser.parse_args()


def say(*words):
    print(*words, flush=True)


def pipeline(opt):
    source = "appsrc is-live=true format=time do-timestamp=true"
    caps = f"video/x-{opt.codec},stream-format=byte-stream,alignment=au,framerate={RATE}/1"
    if opt.file == "-":
        raw = f"video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={RATE}/1"
        encoder = f"x{opt.codec[1:]}enc tune=zerolatency speed-preset=ultrafast key-int-max={10 * RATE}"
        return f"( {source} name=pictures caps={raw} ! {encoder} ! rtp{opt.codec}pay name=pay0 pt=96 config-interval=-1 )"
    video = f"{source} name=pictures caps={caps} ! {opt.codec}parse ! rtp{opt.codec}pay name=pay0 pt=96 config-interval=1"
    audio = f"{source} name=sound caps=audio/x-alaw,rate=8000,channels=1 ! rtppcmapay name=pay1 pt=8"
    return f"( {video} {audio if opt.audio else ''} )"


def access_units(data, codec):
    """Splits an Annex B stream at the first slice, or what precedes it, of each picture."""
    header = 1 if codec == "h264" else 2
    unit, has_slice = b"", False
    for nalu in re.split(b"\x00*\x00\x00\x01", data)[1:]:
        kind = nalu[0] & 0x1F if codec == "h264" else nalu[0] >> 1 & 0x3F
        is_slice = kind in range(1, 6) if codec == "h264" else kind < 32
        if has_slice and (not is_slice or nalu[header] & 0x80):
            yield unit
            unit, has_slice = b"", False
        unit += b"\x00\x00\x00\x01" + nalu
        has_slice |= is_slice
    yield unit


class Camera(GstRtspServer.RTSPMediaFactory):
    """Gives one stream to all, by whatever address and port they ask for it."""

    def do_gen_key(self, url):
        return url.abspath


def stripes():
    """Makes raw pictures in I420 that move, for an encoder."""
    size = WIDTH * HEIGHT * 3 // 2
    pattern = bytes(range(256)) * (size // 256 + 3)
    for step in itertools.count():
        shift = step * 4 % 512
        yield pattern[shift : shift + size]


def feed(media, pictures):
    element = media.get_element()
    silence = itertools.repeat(b"\xd5" * (8000 // RATE))
    sources = [(element.get_by_name_recurse_up(n), data) for n, data in [("pictures", pictures), ("sound", silence)]]

    def push():
        flows = [s.emit("push-buffer", Gst.Buffer.new_wrapped(next(data))) for s, data in sources if s]
        return all(f == Gst.FlowReturn.OK for f in flows)

    GLib.timeout_add(1000 // RATE, push)


def multicast(factory, device):
    pool = GstRtspServer.RTSPAddressPool.new()
    pool.add_range("239.255.42.42", "239.255.42.42", 46000, 46001, 1)
    factory.set_address_pool(pool)
    factory.set_multicast_iface(device)


def token():
    t = GstRtspServer.RTSPToken()
    t.set_string("media.factory.role", ROLE)
    return t


def authentication(opt):
    auth = GstRtspServer.RTSPAuth.new()
    if opt.certificate:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(opt.certificate))
    if not opt.user:
        auth.set_default_token(token())
    elif opt.digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(opt.user, opt.password, token())
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(opt.user, opt.password), token())
    return auth


def watch(_server, client):
    for method in ["options", "describe", "setup", "play", "pause", "teardown"]:
        client.connect(
            method + "-request",
            lambda _c, ctx, m=method.upper(): say("request", m, ctx.uri.abspath if ctx.uri else "*"),
        )
    client.connect("closed", lambda _c: say("closed"))


def main():
    opt = arguments()
    Gst.init(None)
    factory = Camera()
    factory.set_launch(pipeline(opt))
    factory.set_shared(True)
    if opt.feedback:
        factory.set_profiles(GstRtsp.RTSPProfile.AVP | GstRtsp.RTSPProfile.AVPF)
    if opt.multicast:
        multicast(factory, opt.multicast)
    pictures = stripes
    if opt.file != "-":
        with open(opt.file, "rb") as f:
            units = list(access_units(f.read(), opt.codec))
        pictures = lambda: itertools.cycle(units)  # noqa: E731
    # A stream that begins anew takes nothing from the one before, which may go on
    # for a while.
    factory.connect("media-configure", lambda _f, media: feed(media, pictures()))
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(ROLE, "media.factory.access", True)
    permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
    factory.set_permissions(permissions)

    server = GstRtspServer.RTSPServer.new()
    server.set_address(opt.address)
    server.set_service("0")
    if opt.user or opt.certificate:
        server.set_auth(authentication(opt))
    server.get_mount_points().add_factory("/live", factory)
    server.connect("client-connected", watch)
    server.attach(None)

    loop = GLib.MainLoop()
    GLib.io_add_watch(
        sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, lambda fd, _c: bool(os.read(fd, 4096)) or loop.quit()
    )
    say("port", server.get_bound_port())
    loop.run()


if __name__ == "__main__":
    main()
