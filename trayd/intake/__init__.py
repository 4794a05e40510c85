"""Intake: files that people and other programs hand over, as facts for the ledger.

Reading is pure (:mod:`trayd.intake.take`): bytes in, facts and rejections out, the same for the drop folder and for
``trayd import``. The drop folder (:mod:`trayd.intake.drop`) adds the watching and the moving.
"""
