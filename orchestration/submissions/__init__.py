"""Evidence packs: what is submitted to an index, frozen with all that it rests on (docs/published-interface.md 1).

`pack` says what a pack is and whether it is still what was frozen, `evidence` writes its figures from a warehouse,
`freeze` makes one, `reproduce` makes it again from the landing folder and compares.
"""
