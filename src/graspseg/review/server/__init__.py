"""The server of the review page.

In: requests of the page, a folder. Out: frames, decisions, corrected label images.
Begin with `serve`; `api` has the calls, `store` what is kept.
"""
