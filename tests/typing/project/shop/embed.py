"""The program of the steps; the type checkers' tests never run it."""
