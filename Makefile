# Aliases only: every command is `python3 dev.py NAME`.
.DEFAULT_GOAL := help
.PHONY: help demo tour serve aws test check mutants bench package lock

help:    ; @python3 dev.py
demo:    ; @python3 dev.py demo
tour:    ; @python3 dev.py tour
serve:   ; @python3 dev.py serve
aws:     ; @python3 dev.py aws
test:    ; @python3 dev.py test
check:   ; @python3 dev.py check
mutants: ; @python3 dev.py mutants
bench:   ; @python3 dev.py bench
package: ; @python3 dev.py package
lock:    ; @python3 dev.py lock
