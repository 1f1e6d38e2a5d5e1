"""The API of the simulated GitHub: paths, paging, credentials and limits."""
