from concurrent.futures import ThreadPoolExecutor

orders = [12, 7, 31, 8]

# A closure holds a reference to the list, so the list lives as long as it
# is needed. Leaving the `with` block joins the threads, as a scope does.
with ThreadPoolExecutor() as threads:
    morning = threads.submit(lambda: sum(orders[:2]))
    evening = threads.submit(lambda: sum(orders[2:]))

print(f"Morning: {morning.result()}, evening: {evening.result()}")
print(f"Main still owns all {len(orders)} orders")
