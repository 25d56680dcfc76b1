"""Walks every operation that the simulator implements and holds each raw reply against AWS's service models.

    watchkeeper simulate --list-operations > operations
    AWS_ENDPOINT_URL=http://127.0.0.1:PORT python replies.py operations

`operations` has a line `service operation` for each. An operation in it that was never answered with success
is a failure, as is a reply that differs from its model. Needs botocore, nothing else.
"""

import os
import sys

import botocore.config
import botocore.exceptions
import botocore.session

import estate
import shapes

REGION = "us-east-1"
ACCOUNT = "111122223333"


class Walk:
    """Sends requests through botocore, and keeps what was wrong with the raw replies."""

    def __init__(self, endpoint, implemented):
        self.implemented = implemented
        self.succeeded = set()
        self.complaints = []
        self.session = botocore.session.get_session()
        # The account stands in the access key: that is how the simulator tells accounts apart.
        self.session.set_credentials(f"AKIA{ACCOUNT}SIMU", "secret")
        self.session.register("before-parse", self._judge)
        config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 8})
        services = sorted({service for service, _ in implemented})
        self.clients = {
            service: self.session.create_client(service, REGION, endpoint_url=endpoint, config=config)
            for service in services
        }

    def _judge(self, operation_model, response_dict, **_):
        if response_dict["status_code"] >= 300:
            return
        service = operation_model.service_model.service_name
        self.succeeded.add((service, operation_model.name))
        for complaint in shapes.complaints(operation_model, response_dict["body"]):
            line = f"{service} {operation_model.name}: {complaint}"
            if line not in self.complaints:
                self.complaints.append(line)

    def call(self, service, operation, accept=None, **parameters):
        """Sends one request; the reply as botocore parses it, `{}` when it is refused with the code `accept`.

        An operation that is not implemented is left out.
        """
        if (service, operation) not in self.implemented:
            return {}
        client = self.clients[service]
        try:
            return client._make_api_call(operation, parameters)  # by the model's own name of the operation
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == accept:
                return {}
            self.complaints.append(f"{service} {operation}: refused: {error}")
        except botocore.exceptions.ParamValidationError as error:
            self.complaints.append(f"{service} {operation}: our request was wrong: {error}")
        return {}

    def never_answered(self):
        return sorted(self.implemented - self.succeeded)


def main():
    endpoint, listing = os.environ["AWS_ENDPOINT_URL"], sys.argv[1]
    with open(listing, encoding="utf-8") as lines:
        implemented = {tuple(line.split()) for line in lines if line.strip()}
    walk = Walk(endpoint, implemented)
    for part in estate.PARTS:
        try:
            part(walk)
        except (KeyError, IndexError) as error:
            walk.complaints.append(f"{part.__name__}: went no further, a reply lacks {error}")
    for complaint in walk.complaints:
        print(complaint)
    for service, operation in walk.never_answered():
        print(f"{service} {operation}: never answered with success")
    if not implemented or walk.complaints or walk.never_answered():
        sys.exit(1)
    print(f"{len(implemented)} operations answer as AWS's models say.")


if __name__ == "__main__":
    main()
