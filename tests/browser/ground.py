"""What the browser tests share: processes that end with the test, a browser that notices what it should not see."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
WATCHKEEPER = ROOT / "target/debug/watchkeeper"
CHROMIUM = "/usr/bin/chromium"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": tempfile.gettempdir(),
    "AWS_ACCESS_KEY_ID": "AKIA111122223333SIMU",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def process(*words):
    """A watchkeeper that ends with the block."""
    log = tempfile.TemporaryFile("w+")
    running = subprocess.Popen([WATCHKEEPER, *map(str, words)], stdout=log, stderr=log, env=ENVIRONMENT, cwd=ROOT)
    try:
        yield running
    except BaseException:
        log.seek(0)
        print("".join(log.readlines()[-20:]))
        raise
    finally:
        running.terminate()
        running.wait(timeout=30)


def until(what, condition, seconds=120):
    """Waits until `condition` holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if found := condition():
                return found
        time.sleep(0.1)
    raise AssertionError(f"not in {seconds} s: {what}")


def fetch(port, path, **headers):
    """Status, headers, body and the seconds to the first byte."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.monotonic()
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    first = reply.read(1)
    took = time.monotonic() - began
    return reply.status, dict(reply.getheaders()), first + reply.read(), took


def status(port):
    code, _, body, _ = fetch(port, "/v1/status")
    return json.loads(body) if code == 200 else None


def is_ready(port):
    told = status(port)
    return told and all(row["ready"] == "True" for row in told["objects"]) and told


class Events(threading.Thread):
    """Follows the events, and keeps when each of them came."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.seen = port, []
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/v1/events?follow=true")
        reply = connection.getresponse()
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            while line := reply.readline():
                self.seen.append((time.time(), json.loads(line)))

    def about(self, subject, reason):
        return next((at for at, event in self.seen if subject in event["subjects"] and event["reason"] == reason), None)


WATCH = "window.refused = []; addEventListener('securitypolicyviolation', (e) => window.refused.push(e.violatedDirective + ' ' + e.blockedURI));"


class Browser:
    """A headless Chromium. Every page of it must be free of errors, of refused content, of requests elsewhere."""

    def __init__(self, port):
        self.origin = f"http://127.0.0.1:{port}"
        self.wrong = []

    def __enter__(self):
        self.playwright = sync_playwright().start()
        # As root, which containers are, Chromium has no sandbox of its own.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.chromium = self.playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        return self

    def __exit__(self, *_):
        self.chromium.close()
        self.playwright.stop()

    def page(self, path="/", width=1360, height=900, scheme="light", **options):
        context = self.chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        page = context.new_page()
        page.add_init_script(WATCH)
        page.on("console", lambda message: message.type in ("error", "warning") and self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda request: self.elsewhere(request.url))
        page.goto(self.origin + path)
        return page

    def elsewhere(self, url):
        address = urllib.parse.urlsplit(url)
        if f"{address.scheme}://{address.netloc}" != self.origin:
            self.wrong.append(f"asked {url}")

    def close(self, page):
        """Ends a page, after a last look."""
        if page.context.browser and page.evaluate("typeof window.refused") == "object":
            self.wrong += page.evaluate("window.refused")
        page.context.close()
        assert not self.wrong, self.wrong


def shows(page, expression, seconds=30):
    """Waits until `expression` is true in the page. Playwright's own way evaluates strings there, which the page's policy refuses."""
    until(expression, lambda: page.evaluate(expression), seconds)


def passed(what):
    print(f"  ok  {what}", flush=True)
