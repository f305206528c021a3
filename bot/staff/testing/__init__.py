"""Testing dialogues: trials, saved tests and their runs, the phrase bench, and what no test reaches."""
