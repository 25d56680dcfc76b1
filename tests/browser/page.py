"""The page over a small estate: free of errors, readable by all, live within a second, deaf to hostile names.

    page.py FOLDER      screenshots go there, for a person to look at
"""

import pathlib
import sys
import tempfile
import time

import boto3
from ground import ENVIRONMENT, Browser, Events, fetch, free_port, is_ready, passed, process, shows, status, until

SHOTS = pathlib.Path(sys.argv[1])
CHECKS = (pathlib.Path(__file__).parent / "checks.js").read_text()
HOSTILE = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=1</script>\"'><svg onload=window.pwned=1>"
# What on-call would notice; the bar of the issue.
AT_MOST = 1.0


def everywhere(node):
    return ["/", "/?by=object", "/events", "/parts", "/coverage", "/runbook", "/runbook/ConnectionLost", f"/nodes/{node}",
            "/objects/CloudWatchAgent/example-corp-web", "/objects/FlowLog/example-corp-vpc"]


def looks_right(browser, node):
    names = iter(["estate", "by-object", "events", "parts", "coverage", "runbook", "reason", "node", "agent", "flow-log"])
    for path in everywhere(node):
        name = next(names)
        for scheme, width in [("light", 1360), ("dark", 1360), ("light", 360), ("dark", 360)]:
            page = browser.page(path, width=width, scheme=scheme)
            wrong = page.evaluate(CHECKS)
            assert not wrong, (path, scheme, width, wrong)
            page.screenshot(path=SHOTS / f"{name}-{scheme}-{width}.png", full_page=True)
            browser.close(page)
    passed("every page: contrast, labels, headings, landmarks; light and dark; 360 pixels without scrolling sideways")


def works_without_a_script(browser, node):
    page = browser.page("/", java_script_enabled=False)
    assert "objects" in page.text_content("h1"), page.text_content("h1")
    assert page.text_content("#live").startswith("as of")
    page.click("#nodes-counts .legend a:has-text('Ready')")
    assert page.url.endswith("/parts?condition=Ready&kind=node"), page.url
    assert page.locator("tbody tr").count() >= 1
    page.goto(f"{browser.origin}/events")
    page.select_option("select[name=phase]", "resolved")
    page.click("button[type=submit]")
    assert "phase=resolved" in page.url and page.locator("li.event").count() > 0
    assert page.locator("li.event.opened").count() == 0
    page.goto(f"{browser.origin}/nodes/{node}")
    assert node in page.text_content("h1")
    page.context.close()
    passed("without a script: pages, links, filters")


# Where the focus is, and whether it can be seen.
FOCUSED = """() => { const e = document.activeElement; if (!e || e === document.body) return null;
  const s = getComputedStyle(e); return { at: [...document.querySelectorAll('*')].indexOf(e), seen: s.outlineStyle !== 'none', html: e.outerHTML.slice(0, 90) }; }"""
STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, summary, pre[tabindex]')]
  .filter((e) => e.tabIndex >= 0 && e.checkVisibility()).length"""


def keyboard_reaches_everything(browser):
    for path in ["/", "/events", "/parts"]:
        page = browser.page(path)
        stops = page.evaluate(STOPS)
        reached = []
        for _ in range(stops + 5):
            page.keyboard.press("Tab")
            here = page.evaluate(FOCUSED)
            if here is None or (reached and here["at"] < reached[-1]):
                break
            assert here["seen"], here
            if not reached or here["at"] != reached[-1]:
                reached.append(here["at"])
        assert len(reached) >= stops - 1, (path, len(reached), stops)
        browser.close(page)
    page = browser.page("/")
    group = page.locator("#nodes-cells .grid").first
    many = page.locator("#nodes-cells .grid").filter(has=page.locator("a:nth-child(3)")).first
    cells = many.locator("a")
    cells.first.focus()
    for key, at in [("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", cells.count() - 1), ("Home", 0)]:
        page.keyboard.press(key)
        assert cells.nth(at).evaluate("e => e === document.activeElement"), (key, at)
    assert group.locator("a:not([tabindex])").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/nodes/*")
    browser.close(page)
    passed("the Tab key reaches everything in order and shows where; arrow keys move among cells")


# Keeps when each cell first showed each condition.
OBSERVE = """() => { window.shown = {}; const note = () => { for (const a of document.querySelectorAll('.grid a')) {
  const key = a.getAttribute('href') + ' ' + a.className; window.shown[key] ??= Date.now() / 1000; } };
  note(); new MutationObserver(note).observe(document.body, { subtree: true, childList: true }); }"""


def is_live(browser, port, ec2, nodes):
    page = browser.page("/")
    shows(page, "document.querySelector('#live').textContent === 'live'")
    page.evaluate(OBSERVE)
    page.locator("#latest details summary").last.click()
    opened = page.locator("#latest details[open]").first.get_attribute("id")
    page.locator("#foot a").first.focus()
    events = Events(port)
    worst = 0.0
    for node in nodes:
        ec2.stop_instances(InstanceIds=[node])
        came = until(f"{node} is told to be stopped", lambda: events.about(node, "InstanceStopped"))
        key = f"/nodes/{node} h"
        shows(page, f"window.shown['{key}'] > 0")
        worst = max(worst, page.evaluate("(key) => window.shown[key]", key) - came)
    assert worst <= AT_MOST, f"{worst:.2f} s"
    assert page.locator("#foot a").first.evaluate("e => e === document.activeElement"), "the focus was lost"
    still = page.locator(f"[id='{opened}']")
    assert still.count() == 0 or still.evaluate("e => e.open"), "what was open was closed"
    browser.close(page)
    passed(f"a node's condition is on screen {worst:.2f} s after its event, at worst of {len(nodes)}; focus and details stay")


def hostile_names_are_text(browser, port, ec2, node):
    ec2.create_tags(Resources=[node], Tags=[{"Key": "Name", "Value": HOSTILE}])
    until("the name is known", lambda: b"window.pwned" in fetch(port, "/parts")[2])
    for path in [*everywhere(node), "/parts?q=pwned"]:
        page = browser.page(path)
        page.wait_for_timeout(150)
        assert page.evaluate("window.pwned") is None, path
        assert page.locator("img, svg:not(.bar), main script").count() == 0, path
        browser.close(page)
    page = browser.page(f"/nodes/{node}")
    assert "<img src=x" in page.text_content("h1")
    page.screenshot(path=SHOTS / "hostile-name.png")
    browser.close(page)
    passed("a hostile Name tag is text, and no script")


def says_when_it_is_old(browser, controller):
    page = browser.page("/")
    shows(page, "document.querySelector('#live').textContent === 'live'")
    controller.terminate()
    controller.wait(timeout=30)
    shows(page, "document.querySelector('#live').className.includes('trying')")
    shows(page, "document.querySelector('#live').textContent.startsWith('old')")
    assert page.is_visible("#silent")
    page.screenshot(path=SHOTS / "gone.png")
    page.context.close()
    passed("a controller that is gone shows: reconnecting, then old")


def asks_for_a_token(simulator):
    port = free_port()
    words = ["run", "desired-state", f"--sim={simulator}", "--listen"]
    with process(*words, f"0.0.0.0:{port}") as refused:
        assert refused.wait(timeout=60) != 0, "it listens beyond loopback"
    with tempfile.NamedTemporaryFile("w") as file, Browser(port) as browser:
        file.write("a-token-of-the-test-1234\n")
        file.flush()
        with process(*words, f"0.0.0.0:{port}", "--token-file", file.name):
            until("it answers", lambda: fetch(port, "/readyz")[0] == 200)
            assert fetch(port, "/")[0] == 401
            # Without the origin, Chromium sends what it was given only when it is asked.
            given = {"username": "anybody", "password": "a-token-of-the-test-1234"}
            page = browser.page("/", http_credentials=given)
            shows(page, "document.querySelector('#live').textContent === 'live'")
            page.context.close()
    passed("beyond loopback it asks for a token, and browsers can give it")


def main():
    SHOTS.mkdir(parents=True, exist_ok=True)
    port, aws = free_port(), free_port()
    simulator = f"http://127.0.0.1:{aws}"
    with process("simulate", "--listen", f"127.0.0.1:{aws}", "--speed", 60):
        until("the simulator answers", lambda: fetch(aws, "/clock")[0] == 200)
        key = {name.lower(): ENVIRONMENT[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        ec2 = boto3.client("ec2", endpoint_url=simulator, region_name="us-east-1", **key)
        with process("run", "desired-state", f"--sim={simulator}", "--listen", f"127.0.0.1:{port}") as controller:
            until("the first pass", lambda: status(port))
            with Browser(port) as browser:
                page = browser.page("/")
                page.wait_for_timeout(300)
                page.screenshot(path=SHOTS / "rollout.png", full_page=True)
                browser.close(page)
                until("everything is Ready", lambda: is_ready(port))
                web = [{"Name": "tag:Name", "Values": ["web-*"]}]
                found = ec2.describe_instances(Filters=web)["Reservations"]
                nodes = [one["InstanceId"] for group in found for one in group["Instances"]]
                looks_right(browser, nodes[0])
                works_without_a_script(browser, nodes[0])
                keyboard_reaches_everything(browser)
                is_live(browser, port, ec2, nodes[:3])
                hostile_names_are_text(browser, port, ec2, nodes[3])
                says_when_it_is_old(browser, controller)
        time.sleep(0.1)
        asks_for_a_token(simulator)


main()
