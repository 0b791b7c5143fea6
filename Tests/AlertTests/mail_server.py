"""A mail server for tests: aiosmtpd with TLS and log-in.

Usage: mail_server.py FOLDER SECURITY
Writes its port into FOLDER/port when it listens, and each mail that it takes into FOLDER/mail-<number> as JSON. SECURITY
is starttls, tls or none. The certificate is FOLDER/cert.pem with FOLDER/key.pem. The user is "hexloop", the password
"secret"; recipients whose names begin with "no" are refused. Ends when its parent does.
"""
import asyncio, json, os, ssl, sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, security = sys.argv[1], sys.argv[2]
context = None
if security != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")


class Handler:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("no"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode(),
            "tls": session.ssl is not None or security == "tls",
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        path = f"{folder}/mail-{Handler.count}"
        Handler.count += 1
        with open(path + ".part", "w") as file:
            json.dump(mail, file)
        os.rename(path + ".part", path)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    isRight = isinstance(data, LoginPassword) and (data.login, data.password) == (b"hexloop", b"secret")
    return AuthResult(success=isRight, handled=False, auth_data=data)


def factory():
    if security == "none":
        return SMTP(Handler())
    return SMTP(
        Handler(),
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=security == "starttls",
    )


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, "127.0.0.1", 0, ssl=context if security == "tls" else None)
    with open(folder + "/port.part", "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(folder + "/port.part", folder + "/port")
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(0.2)


asyncio.run(main())
