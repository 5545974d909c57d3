"""Arguments that several queries take: which opportunities, and by which keys."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import strawberry

from guanxi import Named

OpportunityWhere: TypeAlias = Annotated[Mapping[str, Any], Named("OpportunityWhere")]
OpportunityKeys: TypeAlias = Annotated[Mapping[str, Any], Named("OpportunityGroupKeys")]
By: TypeAlias = list[Annotated[Mapping[str, Any], Named("OpportunityGroupKey")]] | None
Opportunities: TypeAlias = Annotated[
    OpportunityWhere | None, strawberry.argument(description="Only opportunities that match this condition.")
]
