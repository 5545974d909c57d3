"""The core's records, for plugins whose hooks and statements work with them."""

from core.crm.activities import Interaction, Task
from core.crm.customers import AccountTeamMember, Contact, Customer
from core.crm.opportunities import Opportunity, OpportunityContact, OpportunityMember, Stage, StageTransition
from core.crm.people import Team, User
from core.crm.sales import ExchangeRate, Product, Transaction

__all__ = [
    "AccountTeamMember",
    "Contact",
    "Customer",
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
