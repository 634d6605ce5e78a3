"""What `--help` shows of each command at its end: questions as they are really asked, which a test parses."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "sample": ("cchc sample landing --scale 0.1", "cchc sample nights --scale 0.1 --nights 7"),
    "nightly": (
        "cchc nightly --landing /srv/cchc/landing --home /srv/cchc/home",
        "cchc nightly --landing /srv/cchc/landing --home /srv/cchc/home --as-of 2023-11-16",
    ),
    "rebuild": ("cchc rebuild --home /srv/cchc/home",),
    "kpi": (
        "cchc kpi",
        "cchc kpi on_time_rate dossiers_resolved_late --by agency",
        "cchc kpi --from 2023-01-01 --to 2023-06-30 --as-of 2023-09-30 --scope agency=H33.15 --all",
        "cchc kpi --by channel,service_level --format csv > kenh.csv",
    ),
    "explain": (
        "cchc explain dossiers_in_process_overdue --scope agency=H33.15",
        "cchc explain on_time_rate --from 2023-10-01 --to 2023-10-31 --format csv > dung-han.csv",
    ),
    "export": (
        "cchc export ho_so_dang_giai_quyet --scope agency=H33.15 --to ho-so.xlsx",
        "cchc export on_time_rate dossiers_resolved --by agency --from 2023-10-01 --to 2023-10-31 --to thang-10.xlsx",
        "cchc export fct_payments --from 2023-01-01 --to 2023-06-30 --to thanh-toan.csv",
        "cchc export fct_dossiers --as-of 2023-06-30 --to ho-so.parquet --replace",
    ),
    "query": (
        "cchc query 'select loai_ky, tu_ngay, gia_tri from chi_tieu_toan_tinh where ma_chi_tieu = $$on_time_rate$$'",
        "cchc query 'select agency_code, count(*) from fct_dossiers group by all' --format csv",
        "cchc query - < cau-hoi.sql",
        "cchc query 'show all tables'",
    ),
    "history": ("cchc history H33.15-230317-0001", "cchc history H33.15-230317-0001 --format json"),
    "score": (
        "cchc score --index QD766 --from 2023-01-01 --to 2023-10-31",
        "cchc score --index PAR --by agency --format csv > diem.csv",
    ),
    "report": (
        "cchc report II.06a --from 2023-01-01 --to 2023-06-30 --out II.06a.xlsx",
        "cchc report overdue-dossiers --from 2023-01-01 --to 2023-10-31 --out qua-han.xlsx",
    ),
    "submit": ("cchc submit PAR-2023 --index PAR --year 2023 --from 2023-01-01 --to 2023-10-31 --as-of 2023-11-16",),
    "verify": ("cchc verify /srv/cchc/home/submissions/PAR-2023",),
    "reproduce": ("cchc reproduce /srv/cchc/home/submissions/PAR-2023 --landing /srv/cchc/landing",),
    "accept": ('cchc accept dossiers/hoso_20231116_2330.xlsx --reason "công văn 12/VP" --by "Văn phòng UBND tỉnh"',),
    "withdraw": ('cchc withdraw dossiers/hoso_20231116_2330.xlsx --reason "gửi nhầm" --by "Văn phòng UBND tỉnh"',),
    "doctor": ("cchc doctor", "cchc doctor --landing /srv/cchc/landing --home /srv/cchc/home"),
    "serve": ("cchc serve --landing /srv/cchc/landing --home /srv/cchc/home --port 3000",),
    "alerts": ("cchc alerts --test",),
    "propose-thresholds": ("cchc propose-thresholds > de-xuat.yml",),
    "purge": (
        'cchc purge --person --reason "phiếu yêu cầu 12/2026" --by "Văn phòng UBND tỉnh"',
        'cchc purge --policy --reason "hết thời hạn" --by "Văn phòng UBND tỉnh"',
    ),
    "status": ("cchc status", "cchc status --source", "cchc status --format json"),
    "open": ("cchc open", "cchc open review"),
}


def epilog(command: str) -> str:
    """The examples of a command as click lays them out: one a line, never wrapped."""
    return "\b\nExamples:\n" + "\n".join(f"  {example}" for example in EXAMPLES[command])
