"""Mail as others read it: Python's email, dkimpy and urllib. Each prints JSON; the caller says what is right.

    keys FOLDER      makes DKIM keys with their DNS records, and a certificate of an authority of its own
    read FOLDER      reads every mail below FOLDER/dump, verifies its signatures, and tries to tamper with it
    follow URL...    asks for each, without going where it leads
    post URL...      unsubscribes by one click
    serve FOLDER     takes mail inside STARTTLS from who knows name and password; prints its port
"""

import asyncio
import datetime
import email
import email.policy
import json
import logging
import os
import pathlib
import ssl
import sys
import urllib.error
import urllib.request
import warnings

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
DOMAIN = "shop.example"
USER, PASSWORD = "shop", "s3cret ünd länger"
# Headers that nobody may change on the way.
GUARDED = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
]


def keys(folder):
    from base64 import b64encode

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

    form = serialization.PublicFormat
    encoding = serialization.Encoding
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ed_key = ed25519.Ed25519PrivateKey.generate()
    write_key(folder / "rsa.pem", rsa_key)
    write_key(folder / "ed25519.pem", ed_key)
    public = rsa_key.public_key().public_bytes(encoding.DER, form.SubjectPublicKeyInfo)
    raw = ed_key.public_key().public_bytes(encoding.Raw, form.Raw)
    records = {
        f"r1._domainkey.{DOMAIN}.": "v=DKIM1; k=rsa; p=" + b64encode(public).decode(),
        f"e1._domainkey.{DOMAIN}.": "v=DKIM1; k=ed25519; p=" + b64encode(raw).decode(),
    }
    (folder / "dns.json").write_text(json.dumps(records))
    certificate(folder)
    return {"password": PASSWORD, "user": USER}


def write_key(path, key):
    from cryptography.hazmat.primitives import serialization

    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))


def certificate(folder):
    """An authority (ca.pem), and what it says of localhost (server.pem, server.key)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def made(name, key, issuer, issuer_key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def named(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca, of_host = named("the tests"), named("localhost")
    of_ca = [(x509.BasicConstraints(ca=True, path_length=0), True)]
    san = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False),
    ]
    (folder / "ca.pem").write_bytes(made(ca, ca_key, ca, ca_key, of_ca))
    (folder / "server.pem").write_bytes(made(of_host, key, ca, ca_key, san))
    write_key(folder / "server.key", key)


def read(folder):
    records = json.loads((folder / "dns.json").read_text())

    def dns(name, timeout=5):
        record = records.get(name.decode() if isinstance(name, bytes) else name)
        return record and record.encode()

    kinds, mails = set(), []
    for path in sorted((folder / "dump").iterdir()):
        raw = path.read_bytes()
        told = facts(raw)
        told["signatures"] = signatures(raw, dns)
        # Once of each kind is enough: it takes all others' time.
        kind = told["list_unsubscribe_post"]
        told["tampered"] = [] if kind in kinds else tampered(raw, dns)
        kinds.add(kind)
        mails.append(told)
    return mails


def facts(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    sender = mail["From"].addresses[0]
    defects = [repr(defect) for part in mail.walk() for defect in part.defects]
    defects += [f"{name}: {defect!r}" for name, value in mail.items() for defect in value.defects]
    plain, html = mail.get_body(["plain"]), mail.get_body(["html"])
    return {
        "back": mail["X-Mail-Args"],
        "date": mail["Date"].datetime.timestamp(),
        "defects": defects,
        "from": [sender.display_name, sender.addr_spec],
        "html": lines(html.get_content()),
        "id": mail["X-Journeyman-Message"],
        "language": mail["Content-Language"],
        "list_unsubscribe": mail["List-Unsubscribe"],
        "list_unsubscribe_post": mail["List-Unsubscribe-Post"],
        "message_id": mail["Message-ID"],
        "parts": [part.get_content_type() for part in mail.walk()],
        "reply_to": mail["Reply-To"],
        "secured": [mail["X-Auth"] == "True", mail["X-Tls"] == "True"],
        "subject": mail["Subject"],
        "text": lines(plain.get_content()),
        "to": [address.addr_spec for address in mail["To"].addresses],
    }


def lines(text):
    """Inside base64 lines end as they do on the wire."""
    return text.replace("\r\n", "\n")


def signatures(raw, dns):
    """The algorithm and selector of each signature that holds."""
    import dkim

    held = []
    count = sum(line.lower().startswith(b"dkim-signature:") for line in raw.splitlines())
    for nth in range(count):
        mail = dkim.DKIM(raw)
        try:
            good = mail.verify(idx=nth, dnsfunc=dns)
        except dkim.DKIMException as error:
            held.append(f"{error}")
            continue
        # dkimpy has read the fields; where it refuses, it says so here.
        fields = mail.signature_fields
        held.append(f"{fields[b'a'].decode()} {fields[b's'].decode()} {good}")
    return sorted(held)


def tampered(raw, dns):
    """What can be changed without any signature noticing."""
    body = raw.index(b"\n\n") + 2
    middle = body + (len(raw) - body) // 2
    while not raw[middle : middle + 1].isalpha():
        middle += 1
    letter = b"x" if raw[middle : middle + 1] != b"x" else b"y"
    changed = {"body": raw[:middle] + letter + raw[middle + 1 :], "appended": raw + b"\nBuy!\n"}
    for name in GUARDED:
        start = raw.find(f"\n{name}: ".encode())
        if 0 <= start < body:
            at = start + len(name) + 3
            changed[name] = raw[:at] + b"x" + raw[at:]
            # A second one, which some programs would show instead.
            another = f"{name}: x@evil.example\n".encode()
            changed[f"another {name}"] = raw[: start + 1] + another + raw[start + 1 :]

    def holds(mail):
        return any(said.endswith("True") for said in signatures(mail, dns))

    return [what for what, mail in changed.items() if holds(mail)]


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def ask(request):
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return [answer.status, answer.headers.get("Location")]


def follow(urls):
    return [ask(urllib.request.Request(url, headers={"User-Agent": CHROME})) for url in urls]


def post(urls):
    body = b"List-Unsubscribe=One-Click"
    return [ask(urllib.request.Request(url, data=body, method="POST")) for url in urls]


class Keeper:
    """Keeps what it is given, in the form of smtp-sink's dumps."""

    def __init__(self, folder):
        self.folder, self.count = folder, 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        secured = f"X-Auth: {session.authenticated}\nX-Tls: {bool(session.ssl)}\n"
        head = f"X-Mail-Args: <{envelope.mail_from}>\n{secured}".encode()
        mail = envelope.content.replace(b"\r\n", b"\n")
        (self.folder / f"{self.count:04}").write_bytes(head + mail)
        return "250 2.0.0 Ok: queued as aio1"


async def serve(folder):
    from aiosmtpd.smtp import SMTP, AuthResult

    def authenticator(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    # What it says of its own coming versions.
    logging.getLogger("mail").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    keeper = Keeper(folder / "dump")

    def protocol():
        return SMTP(
            keeper,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticator,
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # As long as whoever started it lives.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


def main():
    command, *rest = sys.argv[1:]
    if command == "serve":
        asyncio.run(serve(pathlib.Path(rest[0])))
    elif command in ("follow", "post"):
        print(json.dumps({"follow": follow, "post": post}[command](rest)))
    else:
        print(json.dumps({"keys": keys, "read": read}[command](pathlib.Path(rest[0]))))


main()
