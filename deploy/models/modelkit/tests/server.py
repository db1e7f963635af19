"""A web server on 127.0.0.1 for tests: serves a folder with ranges and entity tags, and misbehaves on request."""
import contextlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..archives import sha256


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        fault = self.server.faults.pop(0) if self.server.faults else {}
        self.server.requests.append((self.path, self.headers.get("Range")))
        file = self.server.folder / Path(self.path).name
        if "status" in fault or not file.is_file():
            return self.send_error(fault.get("status", 404))
        data, tag = file.read_bytes(), f'"{sha256(file)[:16]}"'
        start = 0
        if (asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))) and self.headers.get("If-Range") == tag:
            start = int(asked[1])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(fault.get("length", len(data) - start)))
        self.end_headers()
        self.wfile.write(data[start:start + fault["cut"]] if "cut" in fault else data[start:])
        if "cut" in fault:
            self.close_connection = True

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve(folder, faults=()):
    """Yields the server: `url`, `requests` seen so far, and `faults`, one taken by each request."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.requests, server.faults = Path(folder), [], list(faults)
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
