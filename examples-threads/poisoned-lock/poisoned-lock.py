from threading import Lock, Thread

lock = Lock()
accounts = {"savings": 100, "checking": 0}


def transfer(amount, fee):
    with lock:
        accounts["savings"] -= amount
        accounts["checking"] += amount - int(fee)


# Python releases the lock and does not tell the next thread, which finds
# money that is in neither account.
failed = []


def run():
    try:
        transfer(30, "0.5")
    except ValueError as error:
        failed.append(error)


thread = Thread(target=run)
thread.start()
thread.join()
print(f"The transfer failed: {bool(failed)}")
with lock:
    print(f"Found {accounts['savings']} + {accounts['checking']}")
