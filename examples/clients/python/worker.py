"""worker.py ADDRESS GROUP FILTER COUNT: takes COUNT jobs of a work group and says what becomes of them.

A filter of class e makes every record a job, one of class q makes every question one. A record whose data has
"poison": true fails; after five deliveries, to whichever members, the broker gives it up. A question is answered with
its own data.
"""
import sys

from hexbus import Bus, Refused

if len(sys.argv) != 5 or not sys.argv[4].isdigit():
    sys.exit("usage: worker.py ipc:///path/to/run sorting 'e/*/label/recorded/v1/parts/' 10")
address, group, topics, count = *sys.argv[1:4], int(sys.argv[4])

try:
    with Bus(address, "worker/main") as bus:
        members = bus.join(group, [topics], credit=4, lease=5, start="origin")
        for _ in range(count):
            job = members.next()
            job.extend()  # as often as needed while the work takes long
            if job.record.json().get("poison"):
                job.fail("bad-data", "this part cannot be sorted")
                print(f"failed {job.record.sequence} delivery {job.delivery}", flush=True)
            else:
                job.done(job.record.data)
                print(f"done {job.record.sequence} delivery {job.delivery}", flush=True)
        members.close()
except Refused as refusal:
    sys.exit(f"worker.py: {refusal}")
