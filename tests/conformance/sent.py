"""Holds every request that the controller sends against AWS's service models.

    AWS_ENDPOINT_URL=http://127.0.0.1:PORT python sent.py WATCHKEEPER FOLDER

AWS_ENDPOINT_URL is a simulator (`watchkeeper simulate`). A proxy on loopback stands before it while the
controller converges FOLDER; it passes everything on and reads the requests. A request with an unknown member,
a missing one, or a value outside of the model's limits is a failure. Needs botocore.
"""

import http.client
import http.server
import io
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

import botocore.parsers
import botocore.session
import botocore.validate

SESSION = botocore.session.get_session()
TARGETS = {"AmazonSSM": "ssm", "Logs_20140328": "logs"}
VERSIONS = {"2016-11-15": "ec2", "2010-05-08": "iam", "2011-06-15": "sts"}
WHOLE = ("integer", "long")


def model_of(service, operation):
    return SESSION.get_service_model(service).operation_model(operation)


def complaints(path, headers, body):
    """What is wrong with one request, and what it is: `service Operation`."""
    target, found = headers.get("X-Amz-Target"), []
    if headers.get("Smithy-Protocol") == "rpc-v2-cbor":
        service, operation = "cloudwatch", path.rpartition("/")[2]
        shape = model_of(service, operation).input_shape
        value = cbor(body) if body else {}
    elif target:
        prefix, _, operation = target.partition(".")
        service = TARGETS[prefix]
        shape = model_of(service, operation).input_shape
        value = json.loads(body or b"{}")
    else:
        pairs = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        operation, service = pairs.pop("Action"), VERSIONS[pairs.pop("Version")]
        shape = model_of(service, operation).input_shape
        value, left = structure(shape, pairs, "", service) if shape else ({}, set(pairs))
        found = [f"{key} is not in the model" for key in sorted(left)]
    if shape is not None:
        found += checked(shape, value)
    return f"{service} {operation}", found


def cbor(body):
    """Reads CBOR. A moment becomes a datetime, as in what botocore sends."""
    return botocore.parsers.RpcV2CBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body)))


def structure(shape, pairs, prefix, service):
    """The members of a structure from a form's keys, and the keys that belong to none."""
    value, left = {}, set(pairs)
    for name, member in shape.members.items():
        key = prefix + wire_name(member, name, service)
        mine = {each for each in left if each == key or each.startswith(key + ".")}
        if mine:
            value[name], rest = parsed(member, {each: pairs[each] for each in mine}, key, service)
            left = (left - mine) | rest
    return value, left


def wire_name(member, name, service):
    serialization = member.serialization
    if service == "ec2":
        name = serialization.get("queryName") or serialization.get("name", name)
        return name[0].upper() + name[1:]
    return serialization.get("name", name)


def parsed(shape, pairs, key, service):
    if shape.type_name == "structure":
        return structure(shape, pairs, key + ".", service)
    if shape.type_name == "list":
        between = key + "." if service == "ec2" else f"{key}.{shape.member.serialization.get('name', 'member')}."
        numbers = sorted({int(found[1]) for each in pairs if (found := re.match(re.escape(between) + r"(\d+)(\.|$)", each))})
        items, left = [], set(pairs)
        for number in numbers:
            at = f"{between}{number}"
            mine = {each for each in left if each == at or each.startswith(at + ".")}
            item, rest = parsed(shape.member, {each: pairs[each] for each in mine}, at, service)
            items.append(item)
            left = (left - mine) | rest
        return items, left
    return leaf(shape, pairs.get(key, "")), set(pairs) - {key}


def leaf(shape, text):
    if shape.type_name in WHOLE and re.fullmatch(r"-?\d+", text):
        return int(text)
    if shape.type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def checked(shape, value):
    """botocore's own check, which knows types, required members and minima, and what it leaves to AWS."""
    report = botocore.validate.ParamValidator().validate(value, shape)
    found = [report.generate_report()] if report.has_errors() else []
    return found + list(limits(shape, value, shape.name))


def limits(shape, value, path):
    kind, metadata = shape.type_name, shape.metadata
    if kind == "structure":
        for name, item in value.items():
            if name not in shape.members:
                yield f"{path}.{name} is not in the model"
            else:
                yield from limits(shape.members[name], item, f"{path}.{name}")
        return
    size = value if kind in WHOLE else len(value) if kind in ("string", "list", "map") else None
    if size is not None and not metadata.get("min", size) <= size <= metadata.get("max", size):
        yield f"{path} is outside of {metadata.get('min')} to {metadata.get('max')}: {size}"
    if kind == "list":
        for index, item in enumerate(value):
            yield from limits(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        for key, item in value.items():
            yield from limits(shape.key, key, f"{path} (key)")
            yield from limits(shape.value, item, f"{path}.{key}")
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}, which is not one of {shape.enum}"
        yield from pattern(metadata.get("pattern"), value, path)


def pattern(wanted, value, path):
    try:
        fits = wanted is None or re.fullmatch(wanted, value)
    except re.error:
        return  # a form of Java's that Python does not have
    if not fits:
        yield f"{path} does not match {wanted}: {value[:80]!r}"


class Seen:
    """What passed the proxy."""

    def __init__(self):
        self.lock, self.operations, self.complaints = threading.Lock(), {}, set()

    def note(self, path, headers, body):
        try:
            operation, found = complaints(path, headers, body)
        except Exception as error:  # a request that cannot even be read is the worst of all
            operation, found = "unreadable", [f"{error!r}: {body[:200]!r}"]
        with self.lock:
            self.operations[operation] = self.operations.get(operation, 0) + 1
            self.complaints.update(f"{operation}: {each}" for each in found)


def proxy(upstream, seen):
    """A server that hands every request to `upstream` and notes those to AWS."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.command == "POST":
                seen.note(self.path, self.headers, body)
            connection = http.client.HTTPConnection(upstream)
            connection.request(self.command, self.path, body, dict(self.headers))
            reply = connection.getresponse()
            answer = reply.read()
            connection.close()
            try:
                self.answer(reply, answer)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the controller waits no longer

        def answer(self, reply, answer):
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = pass_on

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def main():
    watchkeeper, folder = sys.argv[1:]
    seen = Seen()
    server = proxy(urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc, seen)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [watchkeeper, "run", folder, f"--sim=http://127.0.0.1:{server.server_port}", "--listen", "none"]
    ran = subprocess.run([*command, "--until-ready=1h"], capture_output=True, text=True, timeout=170)
    server.shutdown()
    for operation, count in sorted(seen.operations.items()):
        print(f"{count:6} {operation}")
    for complaint in sorted(seen.complaints):
        print(complaint)
    if ran.returncode != 0:
        print(f"the controller did not converge: exit code {ran.returncode}\n{ran.stderr}")
    if ran.returncode != 0 or seen.complaints or not seen.operations:
        sys.exit(1)
    print(f"{sum(seen.operations.values())} requests of {len(seen.operations)} kinds are as AWS's models say.")


if __name__ == "__main__":
    main()
