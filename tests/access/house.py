"""A house of users: two teams of one region, one of another, those who see all, a partner; each with a customer."""

UPDATE = """mutation ($id: ID!, $name: String) {
  updateCustomer(input: {id: $id, name: $name}) { customer { name } userErrors { code message field } requestId } }"""
CUSTOMERS = "{ customers { nodes { name } } }"


class House:
    """Its users by name; customers, contacts and opportunities by the name of the customer's owner."""

    def __init__(self, client):
        self.client = client
        make = client.create
        self.above = make("Team", name="North")["id"]
        self.team = make("Team", name="North 1", parentId=self.above)["id"]
        self.other_team = make("Team", name="South")["id"]
        self.ann = self.user("Ann", "ACCOUNT_MANAGER", self.team, "North")
        self.bob = self.user("Bob", "ACCOUNT_MANAGER", self.team, "North")
        self.lea = self.user("Lea", "DEPARTMENT_LEADER", self.above, "North")
        self.dan = self.user("Dan", "CENTRE_DIRECTOR", self.other_team, "North")
        self.eve = self.user("Eve", "ACCOUNT_MANAGER", self.other_team, "South")
        self.sal = self.user("Sal", "SALES_OFFICE", None, None)
        self.par = self.user("Par", "PARTNER", None, None)
        self.adm = self.user("Adm", "ADMINISTRATOR", None, None)
        self.nil = client.create("User", name="Nil")["id"]
        self.customers = {
            name: make("Customer", name=f"{name} & Co", ownerId=getattr(self, name), region=region)["id"]
            for name, region in (("ann", "North"), ("bob", "North"), ("eve", "South"), ("par", None))
        }
        self.contacts = {
            name: make("Contact", name=f"{name} contact", customerId=id, email=f"{name}@example.com")["id"]
            for name, id in self.customers.items()
        }
        self.opportunities = {
            name: make(
                "Opportunity", name=f"{name} deal", customerId=id, expectedAmount={"amount": "100", "currency": "CNY"}
            )["id"]
            for name, id in self.customers.items()
        }

    def user(self, name, role, team, region):
        """A user's id."""
        return self.client.create("User", name=name, role=role, teamId=team, region=region)["id"]

    def asks(self, who):
        """A client that acts as a user."""
        return self.client.acting_as(getattr(self, who))

    def names(self, who, text=CUSTOMERS, plural="customers"):
        """The first words of the names that a user sees."""
        return sorted(node["name"].partition(" ")[0] for node in self.asks(who).query(text)[plural]["nodes"])

    def destroy(self, record, id):
        """Destroys a record."""
        text = f"mutation ($id: ID!) {{ destroy{record}(input: {{id: $id}}) {{ userErrors {{ code message }} }} }}"
        assert self.client.query(text, id=id)[f"destroy{record}"] == {"userErrors": []}
