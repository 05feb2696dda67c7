"""What is heard as "do not text me any more", and what is not."""

from __future__ import annotations

import pytest

from bot.sms.opt_out_words import STOP_WORDS, is_opt_out_wish, keyword

MUST_MATCH = """
stop texting me
Please stop texting me!
STOP TEXTING ME
Stop messaging me please
can you stop texting me
could you please quit texting this number
I want you to stop texting me
stop sending me texts
stop sending me these messages
stop sending these texts
please stop with the texts
stop the texts
stop these text messages
cancel these texts
don't text me
Don’t text me anymore
do not text me again
never message me again
please do not contact me
dont send me any more messages
I don't want any more texts
i dont want to get these texts
I no longer wish to receive messages
I do not want you to text me
i don't want to be contacted
no more texts
no more messages please
take me off your list
Take me off of your texting list
remove me from this list
remove my number
please delete my phone number
lose my number
unsubscribe me
opt me out
I want to opt out
i'd like to unsubscribe
how do I opt out
how do i stop getting these texts
How can I turn off these messages?
opt out
unsubscribe please
I revoke my consent to texts
i withdraw my consent to be contacted
please stop
stop it
stop please
just stop already
Stop. Stop.
leave me alone
Thanks for the info but stop texting me now
stop texting me i can't breathe
deja de escribirme
Deje de escribirme por favor
dejen de mandarme mensajes
deja de enviarme textos
dejen ya de molestarme
paren de textearme
¿Pueden dejar de mandarme mensajes?
no me escriban más
ya no me escriba
no me manden más mensajes
No me envíen mensajes
no quiero más mensajes
no quiero recibir mensajes
No deseo recibir más textos
no quiero que me escriban
no más mensajes
quítenme de la lista
sáquenme de su lista
borren mi numero
quiero darme de baja
denme de baja
cancelar mensajes
detengan los mensajes
""".strip().splitlines()

MUST_IGNORE = """
cancel my appointment
I need to cancel tomorrow
can i cancel my booking by text
stop the bleeding
how do I stop the itching
when can I stop using the cream
should i stop taking accutane
do I need to stop retinol before
it won't stop bleeding
the bleeding has not stopped
please stop the pain
how can i stop the redness
i stopped texting you yesterday, sorry
why did you stop texting me
did you stop texting people?
don't stop texting me
please don't stop sending me reminders
my ex won't stop texting me
he keeps texting me and will not stop texting me
how do i stop him texting me
when will you stop sending reminders
can i text you a photo
can you text me the address
text me when you open
i didn't get your message
you did not text me back
why don't you text me back
why didn't you send me a message
don't text me before 9 please
do not text me at work, call instead
please don't text me until friday
i want to end the treatment early
i quit smoking last year
do i have to quit smoking
how do i unsubscribe from the newsletter
take me off the waiting list for monday
remove my numbing cream?
can i opt out of the numbing cream
i withdraw my consent to treatment
stop
end
no
i don't want any needles
I don't want more sessions
no more bleeding now
is it ok to stop
leave the cream on?
message me later
deja de picar
deje de usar retinol
dejen de doler los ojos
¿por qué dejaron de escribirme?
no dejen de escribirme
no me escribieron
no me mandaron la confirmación
no me manden la factura
cancelar mi cita
quiero cancelar
no quiero más sesiones
no quiero recibir el tratamiento
¿cuándo dejo de sangrar?
no me escriban en la noche
ya no me duele
borren mi cita
""".strip().splitlines()


@pytest.mark.parametrize("text", MUST_MATCH)
def test_a_wish_in_plain_words_is_heard(text: str) -> None:
    assert is_opt_out_wish(text)


@pytest.mark.parametrize("text", [t for t in MUST_IGNORE if t not in ("stop",)])
def test_other_stopping_and_cancelling_is_no_wish_about_messages(text: str) -> None:
    assert not is_opt_out_wish(text)


@pytest.mark.parametrize("word", sorted(STOP_WORDS))
@pytest.mark.parametrize("form", ["{}", " {} ", "{}\n"])
def test_a_carrier_word_is_one_whatever_its_case(word: str, form: str) -> None:
    assert keyword(form.format(word)) == word
    assert keyword(form.format(word.upper())) == word


@pytest.mark.parametrize("text", ["stop it", "cancel my appointment", "", "2", "stop!", "911"])
def test_more_than_one_bare_word_is_no_carrier_word(text: str) -> None:
    assert keyword(text) not in STOP_WORDS
