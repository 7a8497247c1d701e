/* SPDX-License-Identifier: MIT
 *
 * A device's attributes as clients shall see them: nothing secret, the same form whatever the
 * device is, and an answer to all that the class has, so that nobody has to ask one by one. What is
 * said is what holds here; where a device does not tell, the cautious word is said.
 */
#ifndef SIGNERD_PRESENT_H
#define SIGNERD_PRESENT_H

#include "wire/attribute.h"

struct presentation {
    bool of_token;
    bool login_required; /* client-pin is set: keys are CKA_PRIVATE, and so is what the device says
                          */
};

/* Appends to list. device_list: well formed. public_half: the list of a private key's public
 * object, or empty. */
void present(const struct presentation *how, struct span device_list, struct span public_half,
    struct writer *list);

#endif
