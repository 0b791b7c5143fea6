"""artifact.py put ADDRESS FILE, or artifact.py get ADDRESS DIGEST FILE: models and data sets to and from the registry.

A transfer that broke off goes on where it ended; the bytes are checked against their SHA-256.
"""
import sys

from hexbus import Refused, download, upload

try:
    if len(sys.argv) == 4 and sys.argv[1] == "put":
        print(upload(sys.argv[2], sys.argv[3]))
    elif len(sys.argv) == 5 and sys.argv[1] == "get":
        print(download(sys.argv[2], sys.argv[3], sys.argv[4]), "bytes")
    else:
        sys.exit("usage: artifact.py put ipc:///path/to/run FILE\n"
                 "       artifact.py get ipc:///path/to/run DIGEST FILE")
except OSError as error:
    sys.exit(f"artifact.py: {error}")
except Refused as refusal:
    sys.exit(f"artifact.py: {refusal}")
