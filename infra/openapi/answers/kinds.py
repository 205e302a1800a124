"""What many fields are."""

from typing import Annotated, Any, Literal

from chalicelib.jobs.job_types import Shape

Uuid = Annotated[str, Shape("text", {"format": "uuid"})]
Address = Annotated[str, Shape("text", {"format": "uri"})]
Sha256 = Annotated[str, Shape("text", {"pattern": "^[0-9a-f]{64}$"})]
Day = Annotated[str, Shape("text", {"format": "date"})]
Moment = Annotated[str, Shape("text", {"format": "date-time"})]
PeriodLength = Literal["day", "month", "quarter", "year"]
# Its fields stand in chalicelib/jobs/job.py.
JobSummary = Annotated[dict[str, Any], Shape("object", of="JobSummary")]
