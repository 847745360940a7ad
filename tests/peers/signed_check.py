"""Signatures as the providers' own libraries make and check them. Reads JSON, prints JSON.

    twilio      {"token", "cases": [{"url", "fields"}]} -> the signature of each
    webhooks    {"secret", "calls": [{"headers", "body"}]} -> what each says, or why it is not believed
"""

import json
import sys

asked = json.load(sys.stdin)
if sys.argv[1] == "twilio":
    from twilio.request_validator import RequestValidator

    validator = RequestValidator(asked["token"])
    said = [validator.compute_signature(case["url"], case["fields"]) for case in asked["cases"]]
else:
    from standardwebhooks import Webhook
    from standardwebhooks.webhooks import WebhookVerificationError

    webhook = Webhook(asked["secret"])
    said = []
    for call in asked["calls"]:
        try:
            said.append({"says": webhook.verify(call["body"], call["headers"])})
        except WebhookVerificationError as error:
            said.append({"refused": str(error)})
json.dump(said, sys.stdout)
