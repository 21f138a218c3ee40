"""The throughput of a queue, between two threads and between many."""

import os
import queue
import threading

from measure import arguments, give, seconds_each

CAPACITY = 1000  # as in channels.rs
MANY = 4  # as in channels.rs


def start(body, *arguments):
    thread = threading.Thread(target=body, args=arguments)
    thread.start()
    return thread


def send_and_receive(times, many):
    """Sends all numbers below times from this many senders to as many receivers."""
    messages = queue.Queue(CAPACITY)
    received = []

    def send(first):
        for message in range(first, times, many):
            messages.put(message)

    def receive():
        count = 0
        while messages.get() is not None:
            count += 1
        received.append(count)

    receivers = [start(receive) for _ in range(many)]
    senders = [start(send, first) for first in range(many)]
    for sender in senders:
        sender.join()
    for _ in receivers:
        messages.put(None)
    for receiver in receivers:
        receiver.join()
    assert sum(received) == times


def round_trip(times):
    pings, pongs = queue.Queue(CAPACITY), queue.Queue(CAPACITY)

    def answer():
        while (message := pings.get()) is not None:
            pongs.put(message)

    answering = start(answer)
    for message in range(times):
        pings.put(message)
        assert pongs.get() == message
    pings.put(None)
    answering.join()


if __name__ == "__main__":
    _, _, seconds = arguments()
    seconds /= 4
    figures = {
        "one to one": 1e-6 / seconds_each(seconds, lambda times: send_and_receive(times, 1)),
        "many to many": 1e-6 / seconds_each(seconds, lambda times: send_and_receive(times, MANY)),
    }
    if hasattr(os, "sched_setaffinity"):
        # Threads that are started inherit it.
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        figures["round trip, one core"] = seconds_each(seconds, round_trip) * 1e6
        os.sched_setaffinity(0, cores)
    figures["round trip, all cores"] = seconds_each(seconds, round_trip) * 1e6
    give(figures)
