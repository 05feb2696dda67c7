"""Members, the accounts of staff: who they are, what they may do, their sign-ins and sessions."""
