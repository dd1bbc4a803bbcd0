"""`python -m demo`: installs the signal handlers before anything slow is imported, then runs the command."""

from demo.interrupts import Interrupts

if __name__ == "__main__":
    interrupts = Interrupts()
    interrupts.install()

    from demo.cli import main

    raise SystemExit(main(interrupts=interrupts))
