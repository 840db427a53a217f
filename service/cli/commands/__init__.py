"""The commands, one file for each noun: they parse options, call the other modules, and show the results."""
