# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates, made when they are needed, by openssl."""
import datetime
import ssl
import subprocess

KEYS = {
    "ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa1024": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "ed25519": ["ED25519"],
}


def openssl(*arguments, **options):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options)


def date(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y%m%d%H%M%SZ")


class Pair:
    """A certificate and its key, as files NAME.pem and NAME.key in a folder. Signed by `issuer`, or by itself;
    valid from so many days from now to so many."""

    def __init__(self, folder, name, issuer=None, kind="ec", days=(-1, 30), is_ca=False, usage=None):
        self.name, self.cert, self.key = name, folder / f"{name}.pem", folder / f"{name}.key"
        openssl("genpkey", "-algorithm", *KEYS[kind], "-out", self.key)
        self.key.chmod(0o600)
        request, settings, extensions = (folder / f"{name}.{end}" for end in ("csr", "conf", "ext"))
        openssl("req", "-new", "-key", self.key, "-subj", f"/CN={name}", "-config", "/dev/null", "-out", request)
        (folder / f"{name}.database").write_text("")
        settings.write_text(f"""\
[ca]
default_ca = it
[it]
database = {folder}/{name}.database
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
""")
        lines = [f"basicConstraints = critical,CA:{'TRUE' if is_ca else 'FALSE'}", "subjectKeyIdentifier = hash"]
        if is_ca:
            lines.append("keyUsage = critical,keyCertSign")
        else:
            lines.append("subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1")
        if usage:
            lines.append(f"extendedKeyUsage = {usage}")
        extensions.write_text("\n".join(lines) + "\n")
        signer = ["-cert", issuer.cert, "-keyfile", issuer.key] if issuer else ["-selfsign", "-keyfile", self.key]
        openssl("ca", "-batch", "-notext", "-config", settings, "-in", request, "-out", self.cert, "-extfile", extensions,
                "-startdate", date(days[0]), "-enddate", date(days[1]), *signer)

    def flags(self):
        return [f"--tls-cert={self.cert}", f"--tls-key={self.key}"]


def client(authority, own=None):
    """What a client trusts, and shows."""
    context = ssl.create_default_context(cafile=authority.cert)
    if own:
        context.load_cert_chain(own.cert, own.key)
    return context
