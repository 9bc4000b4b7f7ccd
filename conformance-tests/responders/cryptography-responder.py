"""An OCSP responder over an authority's folder (keys/authority.mjs), by Debian's python3-cryptography.

    /usr/bin/python3 cryptography-responder.py --folder F --index FILE --port P

It answers POST and GET (RFC 6960 appendix A.1) on 127.0.0.1 for RSA and ECDSA authorities, from the
index of `openssl ca` and the certificates in issued/, and echoes the nonce.
"""

import argparse
import base64
import datetime
import http.server
import pathlib
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

LIFE = datetime.timedelta(minutes=10)


class Authority:
    def __init__(self, folder, index):
        self.folder = pathlib.Path(folder)
        self.issuer = self.certificate("intermediate.crt")
        self.responder = self.certificate("responder.crt")
        key = (self.folder / "responder.key").read_bytes()
        self.key = serialization.load_pem_private_key(key, None)
        self.index = {}
        for line in pathlib.Path(index).read_text().splitlines():
            state, _, revoked, serial = line.split("\t")[:4]
            self.index[int(serial, 16)] = (state, revoked.split(",")[0])

    def certificate(self, name):
        return x509.load_pem_x509_certificate((self.folder / name).read_bytes())

    def issued(self, serial):
        digits = f"{serial:X}"
        return self.certificate(f"issued/{digits.zfill(len(digits) + len(digits) % 2)}.pem")

    def status(self, serial):
        state, revoked = self.index.get(serial, ("", ""))
        if state == "R":
            at = datetime.datetime.strptime(revoked, "%y%m%d%H%M%SZ")
            return ocsp.OCSPCertStatus.REVOKED, at
        good = ocsp.OCSPCertStatus.GOOD if state == "V" else ocsp.OCSPCertStatus.UNKNOWN
        return good, None

    def answer(self, question):
        request = ocsp.load_der_ocsp_request(question)
        status, revoked = self.status(request.serial_number)
        now = datetime.datetime.utcnow().replace(microsecond=0)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.issued(request.serial_number),
            issuer=self.issuer,
            algorithm=request.hash_algorithm,
            cert_status=status,
            this_update=now,
            next_update=now + LIFE,
            revocation_time=revoked,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder)
        builder = builder.certificates([self.responder])
        for extension in request.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, critical=False)
        response = builder.sign(self.key, hashes.SHA256())
        return response.public_bytes(serialization.Encoding.DER)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.reply(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self):
        encoded = urllib.parse.unquote(self.path.rsplit("/", 1)[1])
        self.reply(base64.b64decode(encoded, validate=True))

    def reply(self, question):
        body = self.server.authority.answer(question)
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


parser = argparse.ArgumentParser()
for name in ("--folder", "--index", "--port"):
    parser.add_argument(name, required=True)
options = parser.parse_args()
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(options.port)), Handler)
server.authority = Authority(options.folder, options.index)
server.serve_forever()
