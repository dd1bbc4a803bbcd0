"""`python -m local.demo`: install the signal handlers before anything slow is imported, then run the command."""

import gc

from local.demo.interrupts import Interrupts

if __name__ == "__main__":
    interrupts = Interrupts()
    interrupts.install()

    from local.demo.cli import main

    code = main(interrupts=interrupts)
    gc.freeze()  # the collector's last walk over all that moto loaded takes a second or two, for nothing
    raise SystemExit(code)
