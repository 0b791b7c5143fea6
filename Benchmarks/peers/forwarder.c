// libzmq's own forwarder, as a peer for the broker's fan-out.
//
// usage: forwarder IN OUT   (endpoints to bind, such as tcp://127.0.0.1:6001 and tcp://127.0.0.1:6002)
#include <stdio.h>
#include <zmq.h>

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: forwarder IN OUT\n");
        return 2;
    }
    void *context = zmq_ctx_new();
    void *in = zmq_socket(context, ZMQ_XSUB), *out = zmq_socket(context, ZMQ_XPUB);
    if (zmq_bind(in, arguments[1]) || zmq_bind(out, arguments[2])) {
        fprintf(stderr, "forwarder: %s\n", zmq_strerror(zmq_errno()));
        return 1;
    }
    zmq_proxy(in, out, NULL);
    return 0;
}
