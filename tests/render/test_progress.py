"""Progress is a bar on a terminal and ten plain lines anywhere else."""

from io import StringIO

from scheduler.domain.names import Instant
from scheduler.render.progress import DayProgress

START, END = Instant(0.0), Instant(86400.0)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run_a_day(progress: DayProgress) -> None:
    with progress:
        for minute in range(1441):
            progress.update(Instant(minute * 60.0), usd=minute * 0.5)


def test_a_pipe_gets_a_line_each_tenth() -> None:
    stream = StringIO()
    run_a_day(DayProgress(START, END, stream=stream, out=StringIO()))
    lines = stream.getvalue().splitlines()
    assert lines[0] == " 10%  02:24  72.00 USD so far"
    assert lines[-1] == "100%  00:00  720.00 USD so far"
    assert len(lines) == 10


def test_a_terminal_gets_a_bar_with_the_time_and_the_bill() -> None:
    stream = Terminal()
    run_a_day(DayProgress(START, END, stream=stream, out=StringIO()))
    assert "100 %" in stream.getvalue()
    assert "720.00 USD" in stream.getvalue()


def test_the_story_goes_to_stdout_when_that_is_a_pipe() -> None:
    stream, out = Terminal(), StringIO()
    with DayProgress(START, END, stream=stream, out=out) as progress:
        progress.say("18:40  + aws-g5-spot 2 -> 5 nodes")
    assert out.getvalue() == "18:40  + aws-g5-spot 2 -> 5 nodes\n"
    assert "aws-g5-spot" not in stream.getvalue()


def test_the_story_stands_above_the_bar_when_both_are_on_the_terminal() -> None:
    stream, out = Terminal(), Terminal()
    with DayProgress(START, END, stream=stream, out=out) as progress:
        progress.say("18:40  + aws-g5-spot 2 -> 5 nodes [not markup]")
    assert "2 -> 5 nodes [not markup]" in stream.getvalue()
    assert out.getvalue() == ""


def test_time_beyond_the_end_is_the_end() -> None:
    stream = StringIO()
    with DayProgress(START, END, stream=stream, out=StringIO()) as progress:
        progress.update(Instant(1e9), usd=1.0)
    assert stream.getvalue().startswith("100%")
