"""Results that programs of this repository print: kinds of recordings, times, normal flow, solvers."""

from __future__ import annotations

from pathlib import Path

from measure import run, shell_block

TOP = Path(__file__).parents[2]


def _printed(title: str, about: str, command: str, folder: Path) -> str:
    """A section with what a command of the repository prints."""
    out = run(f"cd {TOP} && {command}", folder).out
    return "\n\n".join([f"## {title}", about, shell_block(f"$ {command}", out)])


def kinds(folder: Path) -> str:
    """The detector on many kinds of simulated recordings."""
    about = (
        "Recordings of evcam's own simulator with other seeds, sensors, speeds, contrasts, tilts, boards, noise and clutter; "
        "the columns are those of `tests/figures/grid_score.py`. NSE is the normalised squared error of the centres, 1 when "
        "their covariances are honest."
    )
    return _printed("Many kinds of recordings", about, "python tests/figures/grid_matrix.py", folder)


def processes(folder: Path) -> str:
    """Whole processes of the detection."""
    about = "Whole processes of `evcam detect`, the interpreter's start included, on one core."
    return _printed("What a process of the detection costs", about, "python tests/benchmarks/bench_process.py", folder)


def cost(folder: Path) -> str:
    """The detection by stage, rate and length."""
    about = "By stage, with one core and two, by event rate and by length of the recording."
    return _printed("What detection costs", about, "python tests/benchmarks/bench_detect.py", folder)


def flow(folder: Path) -> str:
    """Normal flow against truth."""
    about = "On edges whose motion is known; what is counted is said in [flow.md](flow.md) and `tests/figures/flow_score.py`."
    return _printed("Normal flow", about, "python tests/figures/flow_figures.py", folder)


def simulator(folder: Path) -> str:
    """Speed of the simulator."""
    about = "Events per second of processor time on one core; asked for is 1 M for boards."
    return _printed("Speed of the simulator", about, "python tests/benchmarks/bench_sim.py", folder)


def solvers(folder: Path) -> str:
    """The eventail solvers' accuracy and times."""
    about = "What is counted and what falls short: [solvers.md](solvers.md)."
    commands = ("python tests/figures/eventail_figures.py", "python tests/benchmarks/bench_solvers.py",
                "python tests/benchmarks/bench_compile.py")
    return "\n\n".join(["## Eventail solvers", about, *_blocks(commands, folder)])


def solver_truth(folder: Path) -> str:
    """Whether the solvers' covariances are true, and what outliers cost."""
    about = ("Normalised squared errors per degree of freedom, of results that are `OK`: 1 is honest, 0.8 to 1.2 is asked "
             "for. With outliers, an oracle that knows the true mixture stands beside: what it cannot do, the data do not hold.")
    commands = ("python tests/figures/solver_covariance.py", "python tests/figures/solver_outliers.py --quick --jobs 2")
    return "\n\n".join(["## Are the solvers' covariances true, and what do outliers cost?", about, *_blocks(commands, folder)])


def velocity(folder: Path) -> str:
    """Directions of motion on real recordings and in simulated rooms."""
    about = "What is counted and what falls short: [motion.md](motion.md)."
    command = "python tests/figures/velocity_figures.py"
    tables = run(f"cd {TOP} && {command}", folder).out.strip()
    costs = _blocks(("python tests/benchmarks/bench_motion.py",), folder)
    return "\n\n".join(["## Direction of motion", about, shell_block(f"$ {command}"), tables, *costs])


def viewer(folder: Path) -> str:
    """What the viewer costs."""
    about = "What is shown and how: [viewer.md](viewer.md)."
    return _printed("Viewer", about, "python tests/benchmarks/bench_view.py", folder)


def recordings(folder: Path) -> str:
    """Throughput, memory and damage of every format."""
    about = "What is read, repaired and written: [formats.md](formats.md)."
    commands = ("python tests/benchmarks/bench_io.py", "python tests/benchmarks/bench_io_files.py",
                "python tests/io/raw/fuzz.py --cases 2000", "python tests/io/fuzz_files.py --cases 2000")
    return "\n\n".join(["## Recordings of every format", about, *_blocks(commands, folder)])


def _blocks(commands: tuple[str, ...], folder: Path) -> list[str]:
    return [shell_block(f"$ {command}", run(f"cd {TOP} && {command}", folder).out) for command in commands]
