"""Answers the benchmark's questions: one JSON line each. A peer gives its versions and a table of lines."""

import json
import sys
import time


def timed(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def turn(work, warm, counted):
    """The mean of the runs that count of a turn, after those that do not."""
    spent = 0
    while spent < warm:
        spent += timed(work)
    times = []
    while sum(times) < counted:
        times.append(timed(work))
    return sum(times) / len(times)


def serve(versions, lines, clear=lambda: None):
    """`lines` maps a name to a function that prepares the data and returns what is timed."""
    ready = {}
    for question in sys.stdin:
        question = json.loads(question)
        line = question.get("line")
        if question["command"] == "hello":
            answer = {"versions": versions}
        elif question["command"] == "prepare":
            if line in lines:
                ready.clear()
                clear()
                ready[line] = lines[line]()
                answer = {}
            else:
                answer = {"missing": "no such line"}
        else:
            answer = {"ms": turn(ready[line], question["warm"], question["counted"])}
        print(json.dumps(answer), flush=True)
