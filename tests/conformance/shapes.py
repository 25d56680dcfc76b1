"""Holds a raw AWS reply against the shape that the service model gives it.

botocore's own parser is lenient: it drops members that it does not know and never misses one. So the raw
body is read here again, and every difference from the model is a complaint. Nothing here talks to a network.
"""

import json
import re
import xml.etree.ElementTree as ElementTree

WHOLE = re.compile(r"-?\d+")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def complaints(operation_model, body):
    """Every way in which a successful reply's body differs from the model, as sentences."""
    protocol = operation_model.service_model.metadata["protocol"]
    shape = operation_model.output_shape
    # botocore asks CloudWatch in JSON too, though its model names CBOR first.
    if protocol in ("json", "smithy-rpc-v2-cbor"):
        return list(_json_reply(shape, body))
    return list(_xml_reply(operation_model, protocol, body))


def _json_reply(shape, body):
    value = json.loads(body or b"{}")
    if shape is None:
        if value:
            yield f"a reply without members has {sorted(value)}"
        return
    yield from _json(shape, value, shape.name)


def _json(shape, value, path):
    kind = shape.type_name
    if value is None:
        yield f"{path} is null; AWS leaves such a member out"
    elif kind == "structure":
        yield from _json_structure(shape, value, path)
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for index, item in enumerate(value):
            yield from _json(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path} is no map"
            return
        for key, item in value.items():
            yield from _json(shape.key, key, f"{path} (key)")
            yield from _json(shape.value, item, f"{path}.{key}")
    else:
        yield from _json_leaf(shape, value, path)


def _json_structure(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is no structure"
        return
    wire_names = {member.serialization.get("name", name): member for name, member in shape.members.items()}
    for name, item in value.items():
        if name in wire_names:
            yield from _json(wire_names[name], item, f"{path}.{name}")
        else:
            yield f"{path}.{name} is not in the model"
    for name in shape.required_members:
        if shape.members[name].serialization.get("name", name) not in value:
            yield f"{path}.{name} is required and missing"


def _json_leaf(shape, value, path):
    kind = shape.type_name
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("string", "blob"):
        if not isinstance(value, str):
            yield f"{path} is no text: {value!r}"
        else:
            yield from _enum(shape, value, path)
    elif kind in ("integer", "long"):
        if not number or isinstance(value, float):
            yield f"{path} is no whole number: {value!r}"
    elif kind in ("float", "double"):
        if not number:
            yield f"{path} is no number: {value!r}"
    elif kind == "timestamp":
        # JSON 1.1: seconds since 1970. Milliseconds would be in the year 50000.
        if not number or not 0 < value < 10_000_000_000:
            yield f"{path} is no time in seconds: {value!r}"
    elif kind == "boolean" and not isinstance(value, bool):
        yield f"{path} is neither true nor false: {value!r}"


def _enum(shape, value, path):
    allowed = getattr(shape, "enum", None) or []
    if allowed and value not in allowed:
        yield f"{path} is {value!r}, which is not one of {allowed}"


def _xml_reply(operation_model, protocol, body):
    root = ElementTree.fromstring(body)
    expected = f"{operation_model.name}Response"
    if _name(root) != expected:
        yield f"the root is {_name(root)}, not {expected}"
    shape = operation_model.output_shape
    if protocol == "ec2":
        if root.find("{*}requestId") is None:
            yield "requestId is missing"
        members = [child for child in root if _name(child) != "requestId"]
        # The models have no output for such operations, but EC2 answers them with this (API reference, CreateTags).
        if shape is None and [(_name(child), child.text) for child in members] == [("return", "true")]:
            return
        yield from _xml_members(shape, members, expected, protocol)
        return
    if root.find("{*}ResponseMetadata/{*}RequestId") is None:
        yield "ResponseMetadata/RequestId is missing"
    wrapper = shape.serialization.get("resultWrapper") if shape is not None else None
    for child in root:
        if _name(child) not in (wrapper, f"{operation_model.name}Result", "ResponseMetadata"):
            yield f"{_name(child)} is not in the model"
    result = root.find(f"{{*}}{wrapper}") if wrapper else None
    if wrapper and result is None:
        yield f"{wrapper} is missing"
    yield from _xml_members(shape, [] if result is None else list(result), expected, protocol)


def _name(element):
    return element.tag.rpartition("}")[2]


def _wire_name(shape, name):
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return shape.member.serialization.get("name", shape.serialization.get("name", name))
    return shape.serialization.get("name", name)


def _xml_members(shape, children, path, protocol):
    known = {_wire_name(member, name): member for name, member in shape.members.items()} if shape else {}
    seen = set()
    for child in children:
        name = _name(child)
        member = known.get(name)
        if member is None:
            yield f"{path}.{name} is not in the model"
            continue
        flattened = member.type_name in ("list", "map") and member.serialization.get("flattened")
        if name in seen and not flattened:
            yield f"{path}.{name} stands there twice"
        seen.add(name)
        yield from _xml(member.member if flattened else member, child, f"{path}.{name}", protocol)
    for name in shape.required_members if shape else []:
        if _wire_name(shape.members[name], name) not in seen:
            # An empty list may be left out of XML: there is nothing to say.
            if shape.members[name].type_name not in ("list", "map"):
                yield f"{path}.{name} is required and missing"


def _xml(shape, element, path, protocol):
    kind = shape.type_name
    if kind == "structure":
        yield from _xml_members(shape, list(element), path, protocol)
    elif kind == "list":
        item_name = shape.member.serialization.get("name", "item" if protocol == "ec2" else "member")
        for index, item in enumerate(element):
            if _name(item) != item_name:
                yield f"{path} has an item called {_name(item)}, not {item_name}"
            yield from _xml(shape.member, item, f"{path}[{index}]", protocol)
    elif kind == "map":
        for entry in element:
            if sorted(map(_name, entry)) != ["key", "value"]:
                yield f"{path} has an entry that is not a key and a value"
    else:
        yield from _xml_leaf(shape, element, path)


def _xml_leaf(shape, element, path):
    text, kind = element.text or "", shape.type_name
    if len(element):
        yield f"{path} has elements inside, but is a {kind}"
        return
    forms = {
        "integer": WHOLE,
        "long": WHOLE,
        "float": NUMBER,
        "double": NUMBER,
        "timestamp": ISO_8601,
        "boolean": re.compile("true|false"),
    }
    if kind in forms and not forms[kind].fullmatch(text):
        yield f"{path} is {text!r}, which is no {kind}"
    if kind == "string":
        yield from _enum(shape, text, path)
