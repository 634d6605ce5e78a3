"""The night as a function: what is asked (`request`), who holds the home meanwhile and how it ended (`holding`), the
steps that hand frozen results on (`steps`). Whoever starts a run, command, schedule or page, goes through here.
"""
