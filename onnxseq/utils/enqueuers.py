"""Queues that fetch batches ahead of training, in threads or in processes.

A fault in the user's generator travels through the queue and is raised where the batch would have come out, so that
the caller sees it after the batches before it. All queues are bounded by `max_queue_size`.
"""

import collections
import concurrent.futures
import contextlib
import inspect
import multiprocessing
import pickle
import queue
import threading
import traceback
import warnings

import numpy as np

BATCH, FAULT, END = "batch", "fault", "end"

STOP_PATIENCE = 5.0
"""Seconds that stop() waits for a worker inside the user's code; it is a daemon and is left then."""

SEED_BOUND = 2**31

MAX_PASSED_OVER = 1000
"""Times in a row that a generator may yield None, after which it is taken to yield nothing else."""


class SequenceEnqueuer:
    """What the queues below have in common.

    `start` begins to fetch, `get` iterates over what was fetched, `stop` ends it; all three are called by one thread.
    """

    def is_running(self):
        """Whether workers have been started and neither stopped nor come to an end."""
        raise NotImplementedError(f"{type(self).__name__}: is_running is not defined. Define it in the subclass.")

    def start(self, workers=1, max_queue_size=10):
        """Start workers that keep at most `max_queue_size` batches waiting."""
        raise NotImplementedError(f"{type(self).__name__}: start is not defined. Define it in the subclass.")

    def stop(self, timeout=None):
        """Stop the workers and wait for them, `timeout` seconds at most, or as long as it takes where None."""
        raise NotImplementedError(f"{type(self).__name__}: stop is not defined. Define it in the subclass.")

    def get(self):
        """Iterate over the batches in the order fetched; None is passed over."""
        raise NotImplementedError(f"{type(self).__name__}: get is not defined. Define it in the subclass.")

    def _pass_over(self, source, count):
        """Count one more None in a row; ValueError where they seem never to end."""
        if count + 1 < MAX_PASSED_OVER:
            return count + 1
        self._stop_event.set()
        raise ValueError(f"{type(self).__name__}: the {source} None {count + 1} times in a row; expected batches.")


class GeneratorEnqueuer(SequenceEnqueuer):
    """Fetch from an iterator in worker threads, or from copies of it in worker processes.

    Arguments:
        generator: The iterator of batches. A Python generator is entered by one thread at a time; any other iterator
            by all workers at once, so its `__next__` has to be safe to call from several threads.
        use_multiprocessing: Fetch in processes. Each gets its own copy of the generator, so that with several workers
            a generator that does not draw at random yields each batch once per worker.
        wait_time: Seconds between two looks at whether a worker process is still alive.
        random_seed: NumPy seed of the first worker process, one more for each next; drawn from NumPy's global
            generator where None.
    """

    def __init__(self, generator, use_multiprocessing=False, wait_time=0.05, random_seed=None):
        self.wait_time = wait_time
        self.random_seed = random_seed
        self.queue = None
        self._generator = generator
        self._use_multiprocessing = use_multiprocessing
        self._workers = []
        self._stop_event = None

    def is_running(self):
        """Whether workers have been started and neither stopped nor come to an end."""
        return self._stop_event is not None and not self._stop_event.is_set()

    def start(self, workers=1, max_queue_size=10):
        """Start `workers` threads or processes that keep at most `max_queue_size` batches waiting.

        Raises:
            ValueError: A queue without room, or processes on a platform that can not copy a running generator.
        """
        workers, max_queue_size = check_queue(type(self).__name__, workers, max_queue_size)
        self._stop_event = threading.Event()
        if not self._use_multiprocessing:
            self.queue = _Buffer(max_queue_size)
            turn = threading.Lock() if inspect.isgenerator(self._generator) else contextlib.nullcontext()
            self._workers = [
                threading.Thread(
                    target=_fetch_in_thread, args=(self._generator, turn, self.queue, self._stop_event), daemon=True
                )
                for _ in range(workers)
            ]
            for worker in self._workers:
                worker.start()
            return
        context = fork_context(type(self).__name__)
        self.queue = context.Queue(maxsize=max_queue_size)
        seed = np.random.randint(SEED_BOUND) if self.random_seed is None else self.random_seed
        self._workers = [
            context.Process(
                target=_fetch_in_process, args=(self._generator, self.queue, (seed + i) % SEED_BOUND), daemon=True
            )
            for i in range(workers)
        ]
        with quiet_fork():
            for worker in self._workers:
                worker.start()

    def stop(self, timeout=None):
        """Stop the workers and wait for them, `timeout` seconds at most, or as long as it takes where None."""
        if self._stop_event is None:
            return
        self._stop_event.set()
        if self._use_multiprocessing:
            for worker in self._workers:
                worker.terminate()
        else:
            self.queue.close()
        for worker in self._workers:
            worker.join(timeout)
        if self._use_multiprocessing:
            self.queue.close()
            self.queue.cancel_join_thread()
        self._workers = []
        self._stop_event = None
        self.queue = None

    def get(self):
        """Iterate over the batches fetched; raises what the generator raised, ends when all workers came to the end."""
        ended = passed_over = 0
        while self._stop_event is not None and ended < len(self._workers):
            kind, content = self._take()
            if kind == END:
                ended += 1
            elif kind == FAULT:
                self._stop_event.set()
                raise content
            elif content is not None:
                passed_over = 0
                yield content
            else:
                passed_over = self._pass_over("generator yielded", passed_over)
        if self._stop_event is not None:
            self._stop_event.set()

    def _take(self):
        if not self._use_multiprocessing:
            return self.queue.take()
        while True:
            try:
                return pickle.loads(self.queue.get(timeout=self.wait_time))
            except queue.Empty:
                if not any(worker.is_alive() for worker in self._workers) and self.queue.empty():
                    codes = [worker.exitcode for worker in self._workers]
                    fault = RuntimeError(
                        f"{type(self).__name__}: the worker processes ended with exit codes {codes}; expected batches. "
                        "Look for what ended them, for example the memory they use."
                    )
                    return FAULT, fault


class OrderedEnqueuer(SequenceEnqueuer):
    """Fetch the batches of a Sequence with a pool of threads or processes and hand them out in order.

    Arguments:
        sequence: The Sequence.
        use_multiprocessing: Fetch in processes. They get a fresh copy of the Sequence for every epoch.
        shuffle: Draw the order of the batches anew for every epoch.
    """

    def __init__(self, sequence, use_multiprocessing=False, shuffle=False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.shuffle = shuffle
        self.queue = None
        self._thread = None
        self._stop_event = None

    def is_running(self):
        """Whether workers have been started and neither stopped nor come to an end."""
        return self._stop_event is not None and not self._stop_event.is_set()

    def start(self, workers=1, max_queue_size=10):
        """Start `workers` threads or processes that keep at most `max_queue_size` batches waiting.

        Raises:
            ValueError: A queue without room, or processes on a platform that can not fork.
        """
        workers, max_queue_size = check_queue(type(self).__name__, workers, max_queue_size)
        if self.use_multiprocessing:
            fork_context(type(self).__name__)
        self.queue = _Buffer(max_queue_size)
        self._stop_event = threading.Event()
        # Drawn here, by the thread that trains, so that one NumPy seed makes the whole run reproducible.
        generator = np.random.RandomState(np.random.randint(SEED_BOUND)) if self.shuffle else None
        self._thread = threading.Thread(target=self._run, args=(workers, generator), daemon=True)
        self._thread.start()

    def stop(self, timeout=None):
        """Stop the workers and wait for them, `timeout` seconds at most, or as long as it takes where None."""
        if self._stop_event is None:
            return
        self._stop_event.set()
        self.queue.close()
        self._thread.join(timeout)
        self.queue = self._thread = self._stop_event = None

    def get(self):
        """Iterate over the batches, epoch after epoch; raises what the Sequence raised."""
        passed_over = 0
        while self._stop_event is not None:
            kind, content = self.queue.take()
            if kind == BATCH:
                kind, content = _outcome(content)
            if kind == FAULT:
                self._stop_event.set()
                raise content
            if kind == END:
                return
            if content is not None:
                passed_over = 0
                yield content
            else:
                passed_over = self._pass_over("Sequence gave", passed_over)

    def _run(self, workers, generator):
        try:
            while not self._stop_event.is_set():
                order = np.arange(len(self.sequence))
                if generator is not None:
                    generator.shuffle(order)
                self._run_epoch(workers, order.tolist())
                if not self._stop_event.is_set():
                    self.sequence.on_epoch_end()
        except BaseException as fault:  # whatever it is, it has to reach the thread that waits for batches
            self.queue.put((FAULT, fault))
        finally:
            self.queue.put((END, None))

    def _run_epoch(self, workers, order):
        if not order:
            raise ValueError(
                f"{type(self.sequence).__name__}: its length is 0; expected at least one batch. "
                "Return the number of batches from __len__."
            )
        pool = _process_pool(workers, self.sequence) if self.use_multiprocessing else _thread_pool(workers)
        fetch = _fetch_held if self.use_multiprocessing else self.sequence.__getitem__
        futures = []
        try:
            for index in order:
                # Handing the first batches to a pool of processes forks them.
                with quiet_fork() if self.use_multiprocessing and not futures else contextlib.nullcontext():
                    futures.append(pool.submit(fetch, index))
                if not self.queue.put((BATCH, futures[-1])):
                    return
            # on_epoch_end may reorder the data set, which must not happen below a batch that is being fetched.
            concurrent.futures.wait(futures)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class _Buffer:
    """A bounded first-in first-out buffer between threads that can be closed from either side."""

    def __init__(self, size):
        self._size = size
        self._items = collections.deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, item):
        """Add an item once there is room; returns False where the buffer was closed instead."""
        with self._changed:
            while len(self._items) >= self._size and not self._closed:
                self._changed.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self):
        """Remove the oldest item, waiting for it; (END, None) where the buffer was closed."""
        with self._changed:
            while not self._items and not self._closed:
                self._changed.wait()
            if self._closed:
                return END, None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def qsize(self):
        """Number of items waiting."""
        return len(self._items)

    def empty(self):
        """Whether no item waits."""
        return not self._items

    def close(self):
        """Drop all items and release whoever waits."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()


def check_queue(who, workers, max_queue_size):
    """Return both as integers once they are known to make sense; no workers means one."""
    if max_queue_size < 1:
        raise ValueError(
            f"{who}: max_queue_size is {max_queue_size!r}; expected at least 1. "
            "Give the number of batches that may wait."
        )
    return max(1, int(workers)), int(max_queue_size)


def fork_context(who):
    """The multiprocessing context that copies a running process, the only way to copy a running generator."""
    if "fork" not in multiprocessing.get_all_start_methods():
        raise ValueError(
            f"{who}: use_multiprocessing is True on a platform that can not fork; expected False here. Use threads."
        )
    return multiprocessing.get_context("fork")


@contextlib.contextmanager
def quiet_fork():
    """Silence the general warning on forking beside threads: the workers only run the user's generator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _fetch_in_thread(generator, turn, buffer, stop_event):
    while not stop_event.is_set():
        try:
            with turn:  # held while the batch is put, so that several workers keep a generator's order
                if not buffer.put((BATCH, next(generator))):
                    return
        except StopIteration:
            break
        except BaseException as fault:  # whatever it is, it has to reach the thread that waits for batches
            buffer.put((FAULT, fault))
            return
    buffer.put((END, None))


def _fetch_in_process(generator, batches, seed):
    np.random.seed(seed)
    try:
        while True:
            batches.put(pickle.dumps((BATCH, next(generator)), pickle.HIGHEST_PROTOCOL))
    except StopIteration:
        batches.put(pickle.dumps((END, None)))
    except BaseException as fault:
        batches.put(_pickled_fault(fault))


def _pickled_fault(fault):
    text = "".join(traceback.format_exception(type(fault), fault, fault.__traceback__))
    try:
        fault.__cause__ = RuntimeError("in a worker process:\n" + text)
        pickled = pickle.dumps((FAULT, fault))
        pickle.loads(pickled)  # some exceptions pickle but can not be read back
        return pickled
    except Exception:
        return pickle.dumps((FAULT, RuntimeError("in a worker process:\n" + text)))


_held_sequence = None


def _hold(sequence):
    global _held_sequence
    _held_sequence = sequence


def _fetch_held(index):
    return _held_sequence[index]


def _process_pool(workers, sequence):
    context = fork_context(OrderedEnqueuer.__name__)
    return concurrent.futures.ProcessPoolExecutor(workers, context, initializer=_hold, initargs=(sequence,))


def _thread_pool(workers):
    return concurrent.futures.ThreadPoolExecutor(workers)


def _outcome(future):
    try:
        return BATCH, future.result()
    except concurrent.futures.CancelledError:
        return END, None
    except BaseException as fault:
        return FAULT, fault
