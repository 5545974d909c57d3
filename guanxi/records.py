"""The core's records, for plugins whose hooks and statements work with them."""

from core.activities import Interaction, Task
from core.customers import Contact, Customer, CustomerMember
from core.opportunities import Opportunity, OpportunityContact, OpportunityMember, Stage, StageTransition
from core.people import Team, User
from core.sales import ExchangeRate, Product, Transaction

__all__ = [
    "Contact",
    "Customer",
    "CustomerMember",
    "ExchangeRate",
    "Interaction",
    "Opportunity",
    "OpportunityContact",
    "OpportunityMember",
    "Product",
    "Stage",
    "StageTransition",
    "Task",
    "Team",
    "Transaction",
    "User",
]
