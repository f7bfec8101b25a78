"""The command line `cds` for those who write, test and explain rules."""
