"""`python -m cds_service` is the command `cds`."""

from cds_service.authoring.cli import main

if __name__ == "__main__":
    main()
