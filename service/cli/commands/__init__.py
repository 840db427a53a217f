"""The commands, one file for each noun. They read options, call what does the work, and show what came of it."""
